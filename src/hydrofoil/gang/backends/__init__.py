"""Frameworks' collectives behind one interface: ``start(group)``, its result, ``stop(failed)``.

``table`` has a row for each; each has a file. Importing them imports no framework.
"""
