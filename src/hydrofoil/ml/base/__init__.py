"""What estimators share on the driver: parameters, columns, fitting, transforming, saving.

Knows no library that trains; a library's estimators stand beside this folder and import it.
"""
