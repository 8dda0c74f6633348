"""Gangs of Spark Connect clients: the hub runs beside the server's driver, and the client asks it.

A client can't be reached by executors, and mostly can't reach them. What it always reaches is its
server, whose driver all executors reach. The server runs Python beside its driver, without a slot,
when it analyzes a table function: so the client's questions travel (``relay``). The first one
starts the hub there (``host``), a process that hears ranks as a classic driver's hub does, keeps
what they say until the client has asked for it (``hub``), and ends the gang when nobody asks any
more.
"""
