package org.hydrofoil.spark

import java.net.URI

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.ChecksumFs
import org.apache.spark.sql.hydrofoil.files.RawLocalFiles

/**
 * Local files for Hadoop's `FileContext`, by which Spark writes the checkpoints of streams: what
 * Hadoop's own `LocalFs` is, but for processes that it starts. `fs.AbstractFileSystem.file.impl`
 * names it; Hadoop looks for this constructor.
 *
 * This folder is made for Java 8 and of Java's and Hadoop's classes alone, as the plugin is.
 */
final class HydrofoilLocalFs(uri: URI, conf: Configuration)
    extends ChecksumFs(new RawLocalFiles(uri, conf))
