package org.apache.spark.sql.hydrofoil.compiled

import java.util.ArrayDeque

import org.apache.arrow.memory.ArrowBuf
import org.apache.spark.sql.hydrofoil.build.{BatchBuilder, ColumnBuilder}
import org.apache.spark.sql.hydrofoil.exchange.{Feed, Part, PassThrough}
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, Column, Layout, TaskBuffers}
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.{ColumnarBatch, ColumnVector}

/**
 * Batches that wait for Python's answers, from the first on that has a row for Python. It ends a
 * while after the last such row, so that most batches are copied in vain nowhere.
 */
private[compiled] final class Waiting(
    input: Iterator[ColumnarBatch],
    first: ColumnarBatch,
    guarded: GuardedLoop,
    setting: GuardedTask.Setting)
  extends PythonRows {

  private val buffers = TaskBuffers.of(setting.context)
  private val passTypes = setting.passThrough.map(setting.childTypes(_))
  private val argumentTypes = setting.arguments.map(setting.childTypes(_))
  private val queue = new PassThrough(
    passTypes :+ setting.resultType,
    setting.passThroughMemory,
    setting.metrics("bytesSpilled"),
    buffers)
  private val needed = (setting.arguments ++ setting.passThrough).distinct
  // Of each batch in the queue: its rows that go to Python.
  private val asked = new ArrayDeque[Array[Int]]
  private val ready = new ArrayDeque[Part]
  private val copies = new BatchBuilder(
    passTypes :+ setting.resultType, Array.empty, Limits.ofInput, buffers)
  private val sent = new BatchBuilder(
    argumentTypes, argumentTypes.indices.toArray, setting.limits, buffers)
  private var feed: Feed = _
  private var rows = 0L
  private var trips = 0L
  private var ended = false

  buffers.atEnd(() => ready.forEach(_.release()))
  sent.limitRows(Waiting.ROWS_SENT)
  keep(first)
  private val answers = new Answers(
    setting.python.answers(this, setting), buffers)

  /** The next batch, with all of its results; null where none waits any more. */
  def answered(): ArrowBatch = {
    while (queue.available == 0) {
      // Asks for rows to be sent, which is what fills the queue.
      if (answers.available > 0 || !answers.receive()) return null
    }
    val places = asked.peekFirst
    if (places eq Waiting.ALL) allAnswered()
    else {
      asked.removeFirst()
      val n = queue.available
      val (columns, start) = queue.take(n)
      if (places.length == 0) ArrowBatch(columns, starts(columns, start), n, cut = false, buffers)
      else merged(columns, n, places)
    }
  }

  private def starts(columns: Array[Column], start: Int): Array[Int] =
    Array.fill(columns.length)(start)

  private def allAnswered(): ArrowBatch = {
    if (answers.available == 0 && !answers.receive()) {
      throw new IllegalStateException("Python gave fewer results than there are rows")
    }
    val n = math.min(queue.available, answers.available)
    if (n == queue.available) asked.removeFirst()
    val (columns, start) = queue.take(n)
    columns.last.release()
    val (answer, from) = answers.take(n)
    columns(columns.length - 1) = answer
    val begins = starts(columns, start)
    begins(begins.length - 1) = from
    ArrowBatch(columns, begins, n, cut = false, buffers)
  }

  /** Puts answers in the places of the rows that tripped. */
  private def merged(columns: Array[Column], n: Int, places: Array[Int]): ArrowBatch = {
    val builder = ColumnBuilder.of(setting.resultType, buffers.allocator)
    val own = columns.last.vector(0)
    try {
      var at = 0
      var i = 0
      while (i < places.length) {
        // Rows next to each other at once.
        var j = i + 1
        while (j < places.length && places(j) == places(j - 1) + 1) j += 1
        builder.appendRange(own, at, places(i) - at)
        answers.append(builder, j - i)
        at = places(j - 1) + 1
        i = j
      }
      builder.appendRange(own, at, n - at)
      val whole = builder.finish()
      columns.last.release()
      columns(columns.length - 1) = whole
    } catch {
      case error: Throwable =>
        builder.release()
        columns.foreach(_.release())
        throw error
    }
    ArrowBatch(columns, new Array[Int](columns.length), n, cut = false, buffers)
  }

  /** Copies a batch that was evaluated, and its arguments of rows that tripped. */
  private def keep(batch: ColumnarBatch): Unit = {
    val n = batch.numRows
    val places = guarded.positions(n)
    val vectors = setting.passThrough.map(batch.column) :+ guarded.results
    copies.append(vectors, 0, n)
    queue.add(copies.finish(), n)
    asked.addLast(places)
    val arguments: Array[ColumnVector] = setting.arguments.map(batch.column)
    var i = 0
    while (i < places.length) {
      var j = i + 1
      while (j < places.length && places(j) == places(j - 1) + 1) j += 1
      send(arguments, places(i), places(j - 1) + 1)
      i = j
    }
    rows += n
    trips += places.length
    batch.closeIfFreeable()
  }

  private def send(arguments: Array[ColumnVector], from: Int, until: Int): Unit = {
    var at = from
    while (at < until) {
      at += sent.append(arguments, at, until)
      if (sent.isFull) finishSent()
    }
  }

  private def finishSent(): Unit = {
    val n = sent.rows
    ready.addLast(Part(sent.finish(), n))
  }

  /** The arguments of the next rows for Python; null at the end. The caller releases them. */
  override def nextPart(): Part = {
    while (ready.isEmpty && !ended) fetch()
    ready.pollFirst()
  }

  private def fetch(): Unit = {
    if (feed == null && guarded.isVain) startFeed()
    if (feed != null) feedOn()
    else if (rows >= Waiting.ROWS && trips * Waiting.ONE_IN < rows || !input.hasNext) {
      ended = true
      if (!sent.isEmpty) finishSent()
    } else {
      val batch = input.next()
      if (batch.numRows == 0) batch.closeIfFreeable()
      else {
        guarded.run(batch)
        keep(batch)
      }
    }
  }

  /** From now on all rows go to Python, as they would if nothing had been compiled. */
  private def startFeed(): Unit = {
    if (!sent.isEmpty) finishSent()
    feed = new Feed(
      input, needed, needed.map(setting.childTypes(_)), setting.arguments.map(needed.indexOf(_)),
      setting.limits, buffers)
  }

  private def feedOn(): Unit = {
    val part = feed.next()
    if (part == null) ended = true
    else try {
      val empty = Waiting.noRows(setting.resultType)
      val passing = setting.passThrough.map(i => part.columns(needed.indexOf(i)).retain())
      queue.add(passing :+ empty, part.rows)
      asked.addLast(Waiting.ALL)
      val arguments = setting.arguments.map(i => part.columns(needed.indexOf(i)).retain())
      ready.addLast(Part(arguments, part.rows))
    } finally {
      part.release()
    }
  }
}

private object Waiting {

  /** Stands for all rows of a batch. */
  private val ALL = Array(-1)

  /** Rows that go to Python at once, at most. */
  private val ROWS_SENT = 4096

  /** Rows after which it ends, unless one in so many tripped. */
  private val ROWS = 1L << 18
  private val ONE_IN = 1000L

  private def noRows(dataType: DataType): Column = {
    val layout = Layout.of(dataType)
    val buffers = if (layout eq Layout.Variable) 3 else 2
    new Column(dataType, layout, 0, 0, new Array[ArrowBuf](buffers), Array.empty)
  }
}
