package org.apache.spark.sql.hydrofoil.shim

import java.io.IOException
import java.net.StandardSocketOptions.TCP_NODELAY
import java.nio.channels.SocketChannel

/** The connection to a worker. */
object Connection {

  /**
   * Has the kernel send small batches at once over TCP. It would hold each back until the worker
   * has acknowledged the message before it (Nagle's algorithm). Unix sockets hold nothing back.
   */
  def sendAtOnce(channel: SocketChannel): Unit =
    if (channel.supportedOptions.contains(TCP_NODELAY)) {
      try channel.setOption(TCP_NODELAY, java.lang.Boolean.TRUE)
      catch {
        case _: IOException => // What Spark writes next says what is wrong with the connection.
      }
    }
}
