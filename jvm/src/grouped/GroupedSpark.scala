package org.apache.spark.sql.hydrofoil.grouped

import java.io.{DataOutputStream, OutputStream}

import org.apache.arrow.vector.{FieldVector, VectorSchemaRoot}
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.arrow.vector.types.pojo.Schema

import org.apache.spark.SPARK_VERSION
import org.apache.spark.api.python.BasePythonRunner
import org.apache.spark.sql.types.StructType

/** What differs between the minor versions of Spark for grouped functions. */
trait GroupedSpark {
  /** Whether a large group is several record batches. */
  def cutsGroups: Boolean

  def arrowSchema(schema: StructType, timeZone: String, largeVarTypes: Boolean): Schema

  /** Spark's own runner for a task, but that `writer` writes its data. */
  def runner(task: GroupedTask, writer: GroupsWriter): BasePythonRunner[_, _]
}

object GroupedSpark {
  private val Minors = Seq("4.0", "4.1", "4.2", "4.3")

  /** The running Spark's, if there is one. */
  lazy val installed: Option[GroupedSpark] =
    Minors.find(minor => SPARK_VERSION.startsWith(minor + ".")).map { minor =>
      val name = minor.replace(".", "")
      Class
        .forName(s"org.apache.spark.sql.hydrofoil.v$name.GroupedSpark$name")
        .getDeclaredConstructor()
        .newInstance()
        .asInstanceOf[GroupedSpark]
    }

  def current: GroupedSpark = installed.getOrElse(
    throw new IllegalStateException(
      s"Hydrofoil's operators for grouped functions know Spark ${Minors.mkString(", ")}, and " +
        s"this is Spark $SPARK_VERSION; set ${GroupedRule.Enabled} to false"))

  /** What a runner does when it is to write more of its data; `close` is its own. */
  def write(
      groups: GroupsWriter, out: DataOutputStream, task: GroupedTask, close: () => Unit): Boolean = {
    val before = out.size()
    val more = groups.write(out)
    task.metrics("pythonDataSent") += out.size() - before
    if (!more) close()
    more
  }

  /**
   * A stream writer that Spark's runner takes for one it has started, so that it writes no schema;
   * what it writes at its end goes nowhere.
   */
  def startedWriter(): ArrowStreamWriter =
    new ArrowStreamWriter(
      new VectorSchemaRoot(java.util.List.of[FieldVector]()), null, OutputStream.nullOutputStream())
}
