package org.apache.spark.sql.hydrofoil.tests

import java.net.{InetSocketAddress, StandardProtocolFamily}
import java.net.StandardSocketOptions.TCP_NODELAY
import java.nio.channels.{ServerSocketChannel, SocketChannel}

import org.apache.spark.sql.hydrofoil.shim.Connection

/** Batches are sent at once over whatever Spark connects a worker by. */
final class ConnectionTests extends Suite {

  test("TCP, and one that is closed") { _ =>
    val server = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0))
    val channel = SocketChannel.open(server.getLocalAddress)
    try {
      channel.setOption(TCP_NODELAY, java.lang.Boolean.FALSE)
      Connection.sendAtOnce(channel)
      same(channel.getOption(TCP_NODELAY).booleanValue, true, "TCP_NODELAY")
    } finally {
      channel.close()
      server.close()
    }
    Connection.sendAtOnce(channel)
  }

  test("Unix sockets") { _ =>
    val channel = SocketChannel.open(StandardProtocolFamily.UNIX)
    try Connection.sendAtOnce(channel) finally channel.close()
  }
}
