package org.apache.spark.sql.hydrofoil.files

import java.io.{File, IOException}
import java.nio.file.{Files, InvalidPathException, LinkOption, Path => JavaPath}
import java.nio.file.attribute.PosixFilePermission
import java.util.{EnumSet, Set => JavaSet}

import org.apache.hadoop.fs.{FileStatus, Path, RawLocalFileSystem}
import org.apache.hadoop.fs.permission.FsPermission

/**
 * Hadoop's local file system, which starts no process (`readlink`, `chmod`) for files that are not
 * links. All else, errors included, is left to Hadoop.
 */
final class QuickLocalFileSystem extends RawLocalFileSystem {

  /** What is no link is described as what it is: Hadoop's answer where `readlink` says nothing. */
  override def getFileLinkStatus(path: Path): FileStatus =
    if (mayBeLink(path)) super.getFileLinkStatus(path) else getFileStatus(path)

  override def setPermission(path: Path, permission: FsPermission): Unit =
    if (!changeMode(pathToFile(path), permission.toShort)) super.setPermission(path, permission)

  /**
   * Hadoop gives `readlink` a path as it stands, with the scheme in front of it, so that it may be
   * of a file which has nothing to do with it. Other parts of Hadoop look at the file itself.
   */
  private def mayBeLink(path: Path): Boolean =
    try isLink(new File(path.toString)) || isLink(pathToFile(path))
    catch { case _: InvalidPathException => true }

  private def isLink(file: File): Boolean = Files.isSymbolicLink(file.toPath)

  /** Does what `chmod` would do; false where that is not certain, or fails. */
  private def changeMode(file: File, mode: Int): Boolean =
    try {
      val path = file.getCanonicalFile.toPath
      val plain = (mode & ~QuickLocalFileSystem.RWX) == 0 && !isSpecialFolder(path)
      if (plain) Files.setPosixFilePermissions(path, QuickLocalFileSystem.permissions(mode))
      plain
    } catch {
      case _: IOException | _: InvalidPathException | _: UnsupportedOperationException => false
    }

  /** `chmod` leaves a folder its set-user-id and set-group-id bits. */
  private def isSpecialFolder(path: JavaPath): Boolean =
    Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS) && {
      val mode = Files.getAttribute(path, "unix:mode").asInstanceOf[Integer].intValue
      (mode & QuickLocalFileSystem.SPECIAL) != 0
    }
}

private object QuickLocalFileSystem {
  // Octal 777 and 7000.
  final val RWX = 0x1ff
  final val SPECIAL = 0xe00

  private val BY_BIT = Array(
    PosixFilePermission.OTHERS_EXECUTE,
    PosixFilePermission.OTHERS_WRITE,
    PosixFilePermission.OTHERS_READ,
    PosixFilePermission.GROUP_EXECUTE,
    PosixFilePermission.GROUP_WRITE,
    PosixFilePermission.GROUP_READ,
    PosixFilePermission.OWNER_EXECUTE,
    PosixFilePermission.OWNER_WRITE,
    PosixFilePermission.OWNER_READ)

  def permissions(mode: Int): JavaSet[PosixFilePermission] = {
    val found = EnumSet.noneOf(classOf[PosixFilePermission])
    var bit = 0
    while (bit < BY_BIT.length) {
      if ((mode >> bit & 1) != 0) found.add(BY_BIT(bit))
      bit += 1
    }
    found
  }
}
