package org.apache.spark.sql.hydrofoil.files

import java.net.URI

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{
  DelegateToFileSystem, FsConstants, FsServerDefaults, Path, RawLocalFileSystem}
import org.apache.hadoop.fs.local.LocalConfigKeys

/** Files without checksums: what Hadoop's `RawLocalFs` is, which has no constructor for others. */
final class RawLocalFiles(uri: URI, conf: Configuration)
    extends DelegateToFileSystem(
      uri,
      if (LocalFiles.isOn(conf)) new QuickLocalFileSystem else new RawLocalFileSystem,
      conf,
      FsConstants.LOCAL_FS_URI.getScheme,
      false) {

  // Files have no port.
  override def getUriDefaultPort: Int = -1

  override def getServerDefaults(path: Path): FsServerDefaults = LocalConfigKeys.getServerDefaults

  override def getServerDefaults: FsServerDefaults = LocalConfigKeys.getServerDefaults

  override def isValidName(name: String): Boolean = true
}
