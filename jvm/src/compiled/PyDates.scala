package org.apache.spark.sql.hydrofoil.compiled

import java.time.LocalDate

/** What generated code calls for Python's dates, which are days since 1970-01-01. */
abstract class PyDates

object PyDates {

  /** The first and last day that Python has. */
  val FIRST: Int = LocalDate.of(1, 1, 1).toEpochDay.toInt
  val LAST: Int = LocalDate.of(9999, 12, 31).toEpochDay.toInt

  def inYears(days: Int): Boolean = days >= FIRST && days <= LAST

  // The days are those since 0000-03-01, in which a leap day ends its year.
  private def shifted(days: Int): Int = days + 719468

  private def era(shifted: Int): Int = Math.floorDiv(shifted, 146097)

  private def yearOfEra(day: Int): Int =
    (day - day / 1460 + day / 36524 - day / 146096) / 365

  private def dayOfYear(day: Int, year: Int): Int = day - (365 * year + year / 4 - year / 100)

  def year(days: Int): Long = {
    val z = shifted(days)
    val day = z - era(z) * 146097
    val year = yearOfEra(day)
    val month = (5 * dayOfYear(day, year) + 2) / 153
    year + era(z) * 400L + (if (month >= 10) 1 else 0)
  }

  def month(days: Int): Long = {
    val z = shifted(days)
    val day = z - era(z) * 146097
    val month = (5 * dayOfYear(day, yearOfEra(day)) + 2) / 153
    if (month < 10) month + 3L else month - 9L
  }

  def day(days: Int): Long = {
    val z = shifted(days)
    val day = z - era(z) * 146097
    val inYear = dayOfYear(day, yearOfEra(day))
    val month = (5 * inYear + 2) / 153
    inYear - (153 * month + 2) / 5 + 1L
  }

  /** Monday is 0. */
  def weekday(days: Int): Long = Math.floorMod(days + 3, 7).toLong

  def ordinal(days: Int): Long = days + 719163L

  /** The first day of a year that `strftime` writes with four digits everywhere. */
  val FOUR_DIGITS: Int = LocalDate.of(1000, 1, 1).toEpochDay.toInt

  def digits(value: Long, n: Int): PyStr = {
    val bytes = new Array[Byte](n)
    digits(bytes, 0, n, value.toInt)
    PyStr.of(bytes)
  }

  def iso(days: Int): PyStr = {
    val bytes = new Array[Byte](10)
    digits(bytes, 0, 4, year(days).toInt)
    bytes(4) = '-'
    digits(bytes, 5, 2, month(days).toInt)
    bytes(7) = '-'
    digits(bytes, 8, 2, day(days).toInt)
    PyStr.of(bytes)
  }

  private def digits(bytes: Array[Byte], from: Int, n: Int, value: Int): Unit = {
    var left = value
    var i = from + n - 1
    while (i >= from) {
      bytes(i) = ('0' + left % 10).toByte
      left /= 10
      i -= 1
    }
  }
}
