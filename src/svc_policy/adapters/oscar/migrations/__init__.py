"""Migrations of the tables of tickets and decisions."""
