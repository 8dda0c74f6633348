package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.rdd.{ParallelCollectionPartition, RDD}
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.execution.LocalTableScanExec
import org.apache.spark.unsafe.Platform

/**
 * Many rows of the driver's, where they are rows and not record batches, on their way to tasks.
 * Spark serializes each row as an object of its own, which takes several times as long as most of
 * what is done with it; here a partition's rows are one array of bytes. Partitions are those of
 * Spark's operator.
 */
case class HydrofoilLocalScanExec(scan: LocalTableScanExec) extends LocalScan {

  override protected def doExecute(): RDD[InternalRow] = {
    val blocks = scan.inputRDD.partitions.toSeq.map(LocalBlock.of)
    if (blocks.contains(None)) {
      scan.execute()
    } else {
      val fields = output.length
      val rows = longMetric("numOutputRows")
      sparkContext.parallelize(blocks.flatten, blocks.length).mapPartitionsInternal { blocks =>
        blocks.flatMap(new LocalBlock(_, fields)).map { row =>
          rows += 1
          row
        }
      }
    }
  }
}

object HydrofoilLocalScanExec {

  /** Fewer are soon serialized. */
  val MANY = 10000

  /** Whether there are many rows, and they are not a stream's. */
  def takes(scan: LocalTableScanExec): Boolean =
    scan.rows.length >= MANY && !scan.productIterator.exists(_.isInstanceOf[Some[_]])
}

/** The rows of one partition, each after a word that has its size. */
private final class LocalBlock(bytes: Array[Byte], fields: Int) extends Iterator[InternalRow] {
  private var at = 0

  override def hasNext: Boolean = at < bytes.length

  override def next(): InternalRow = {
    if (!hasNext) throw new NoSuchElementException
    val size = Platform.getLong(bytes, Platform.BYTE_ARRAY_OFFSET + at).toInt
    // As Spark's, each row is an object that nobody changes.
    val row = new UnsafeRow(fields)
    row.pointTo(bytes, Platform.BYTE_ARRAY_OFFSET + at + LocalBlock.WORD, size)
    at += LocalBlock.WORD + size
    row
  }
}

private object LocalBlock {
  private val WORD = 8
  private val MOST = 1L << 30

  /** A partition's rows as bytes; None where they are too many, or of another class. */
  def of(partition: Any): Option[Array[Byte]] = partition match {
    case rows: ParallelCollectionPartition[_] =>
      var size = 0L
      var unsafe = true
      rows.iterator.foreach {
        case row: UnsafeRow => size += WORD + row.getSizeInBytes
        case _ => unsafe = false
      }
      if (unsafe && size <= MOST) Some(written(rows.iterator, size.toInt)) else None
    case _ => None
  }

  private def written(rows: Iterator[_], size: Int): Array[Byte] = {
    val bytes = new Array[Byte](size)
    var at = Platform.BYTE_ARRAY_OFFSET.toLong
    rows.foreach { one =>
      val row = one.asInstanceOf[UnsafeRow]
      Platform.putLong(bytes, at, row.getSizeInBytes)
      row.writeToMemory(bytes, at + WORD)
      at += WORD + row.getSizeInBytes
    }
    bytes
  }
}
