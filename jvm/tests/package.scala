/** Tests of what can be run without a query: plain classes, one `test` a case, run by [[Main]]. */
package org.apache.spark.sql.hydrofoil.tests
