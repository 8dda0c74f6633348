package org.apache.spark.sql.hydrofoil.tests

/** Runs all tests, says of each that failed where and with what values, and fails if any did. */
object Main {

  def main(arguments: Array[String]): Unit = {
    val suites = Seq(
      new BatchBuilderTests,
      new BuilderTests,
      new ConnectionTests,
      new GuardTests,
      new HandoverTests,
      new LocalRowsTests,
      new RowWriterTests,
      new SpillFileTests,
      new TaskBuffersTests,
      new WireTests)
    val wanted = suites.filter(suite =>
      arguments.isEmpty || arguments.contains(suite.getClass.getSimpleName))
    val (passed, failures) = wanted.map(_.run()).unzip
    failures.flatten.foreach(failure => println(s"FAILED $failure"))
    println(s"${passed.sum} passed, ${failures.flatten.length} failed")
    System.exit(if (failures.flatten.isEmpty) 0 else 1)
  }
}
