"""Printed sheets: PDF at true scale, one file per sheet, one shared frame."""
