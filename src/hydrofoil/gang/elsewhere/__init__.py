"""Other projects' calls, name for name, over gangs: switching is another import.

A name is here only if it means the same and gives the same; what a project has besides is missing
here, and [docs/gang-coming-from.md] says how to write it. Nothing in the gang imports this.
"""
