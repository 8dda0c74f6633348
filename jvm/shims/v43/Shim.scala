package org.apache.spark.sql.hydrofoil.v43

class Shim
