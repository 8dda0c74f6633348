package org.apache.spark.sql.hydrofoil.results

import org.apache.arrow.memory.BufferAllocator
import org.apache.arrow.vector.{BaseLargeVariableWidthVector, FieldVector}
import org.apache.spark.sql.hydrofoil.build.{ColumnBuilder, DataBuilder}
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, Column, Layout, TaskBuffers}
import org.apache.spark.sql.types.{ArrayType, DataType, MapType, StructField, StructType}
import org.apache.spark.sql.vectorized.{ArrowColumnVector, ColumnarBatch, ColumnVector}

/** Columns that a worker returned. */
object Results {

  def vector(batch: ColumnarBatch, i: Int): FieldVector = fieldVector(batch.column(i))

  private def fieldVector(vector: ColumnVector): FieldVector =
    vector.asInstanceOf[ArrowColumnVector].getValueVector.asInstanceOf[FieldVector]

  /**
   * A returned column as one of the declared type. Where Spark doesn't compare the types, a column
   * of another type is read as its row path would read it: by the declared type's getter, which
   * serves some of the other types and raises Spark's error for the rest.
   */
  private def column(
      vector: ColumnVector,
      declared: DataType,
      rows: Int,
      allocator: BufferAllocator): Column = {
    if (sameLayout(vector.dataType, declared)) {
      Adoption.adopt(fieldVector(vector), declared, allocator)
    } else {
      ColumnBuilder.copied(vector, declared, rows, allocator)
    }
  }

  /**
   * Returned columns as a batch of the declared types, or as several where strings take more than
   * one column of ours holds.
   */
  def batches(
      vectors: Seq[ColumnVector],
      declared: Seq[DataType],
      rows: Int,
      buffers: TaskBuffers): Seq[ArrowBatch] = {
    val large = vectors.zip(declared).map { case (vector, dataType) =>
      fieldVector(vector) match {
        case values: BaseLargeVariableWidthVector if vector.dataType == dataType => Some(values)
        case _ => None
      }
    }
    val ends = Iterator.iterate(0)(LargeValues.end(large.flatten, _, rows))
      .drop(1).takeWhile(_ < rows).toSeq :+ rows
    if (ends.length > 1) cut(vectors, declared, large, ends, rows, buffers)
    else {
      val columns = Column.all(declared.length) { i =>
        column(vectors(i), declared(i), rows, buffers.allocator)
      }
      Seq(ArrowBatch(columns, new Array[Int](columns.length), rows, cut = false, buffers))
    }
  }

  /** Batches that end at some rows: large columns are cut there, the others are in all of them. */
  private def cut(
      vectors: Seq[ColumnVector],
      declared: Seq[DataType],
      large: Seq[Option[BaseLargeVariableWidthVector]],
      ends: Seq[Int],
      rows: Int,
      buffers: TaskBuffers): Seq[ArrowBatch] = {
    val shared = declared.indices.filter(large(_).isEmpty)
    val whole = Column.all(shared.length) { i =>
      column(vectors(shared(i)), declared(shared(i)), rows, buffers.allocator)
    }
    try {
      (0 +: ends).zip(ends).map { case (from, until) =>
        val columns = Column.all(declared.length) { i =>
          large(i) match {
            case Some(vector) =>
              LargeValues.column(vector, declared(i), from, until, buffers.allocator)
            case None => whole(shared.indexOf(i)).retain()
          }
        }
        val starts = large.map(column => if (column.isEmpty) from else 0).toArray
        ArrowBatch(columns, starts, until - from, cut = false, buffers)
      }
    } finally {
      whole.foreach(_.release())
    }
  }

  /**
   * Fails for a column that is declared NOT NULL and has nulls, as Spark's row path does, which
   * reads such a value without asking whether it is null.
   */
  def failOnNull(vector: ColumnVector, field: StructField, allocator: BufferAllocator): Unit =
    if (!field.nullable && vector.hasNull) {
      var row = 0
      while (!vector.isNullAt(row)) row += 1
      ColumnBuilder.of(Layout.stored(field.dataType), allocator) match {
        case data: DataBuilder => try data.putValue(vector, row) finally data.release()
        case _ =>
      }
      throw new NullPointerException(
        s"The function returned a null in column ${field.name}, which is declared NOT NULL")
    }

  /** Whether one type's Arrow buffers are the other's; names and nullability don't matter. */
  private def sameLayout(a: DataType, b: DataType): Boolean = (a, b) match {
    case (ArrayType(x, _), ArrayType(y, _)) => sameLayout(x, y)
    case (MapType(k, v, _), MapType(l, w, _)) => sameLayout(k, l) && sameLayout(v, w)
    case (StructType(x), StructType(y)) =>
      x.length == y.length &&
        x.zip(y).forall { case (f, g) => sameLayout(f.dataType, g.dataType) }
    case _ => a == b || (Layout.isTime(a) && Layout.isTime(b))
  }
}
