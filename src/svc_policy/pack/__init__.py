"""Packs: a policy as a folder or workbook of tables, read and checked."""
