"""The archive of a Python environment that executors unpack, and the settings that use it.

`environment` finds and checks what is to be packed, `archive` packs it, `settings` says how Spark
gets it.
"""
