package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.sql.catalyst.expressions.codegen.{
  CodeAndComment, CodeFormatter, CodeGenerator}

/**
 * A function's code in Java.
 *
 * @param reasons why its rows go to Python; a row's reason is its place here, from 1 on
 */
final case class CompiledFunction(
    body: String,
    references: Array[Any],
    reasons: Seq[String]) {

  /** By its code: operators are equal only if their functions' pickles are, too. */
  override def equals(other: Any): Boolean = other match {
    case function: CompiledFunction => function.body == body
    case _ => false
  }

  override def hashCode: Int = body.hashCode

  /** A loop for one task. */
  def open(): CompiledLoop = {
    val source = CodeFormatter.stripOverlappingComments(new CodeAndComment(body, Map.empty))
    CodeGenerator.compile(source)._1.generate(references).asInstanceOf[CompiledLoop]
  }

  /** Bytes of its largest method; the JVM leaves those of more than 8000 to its interpreter. */
  def largestMethod: Int = {
    val source = CodeFormatter.stripOverlappingComments(new CodeAndComment(body, Map.empty))
    CodeGenerator.compile(source)._2.maxMethodCodeSize
  }
}
