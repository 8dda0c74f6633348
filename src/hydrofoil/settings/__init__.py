"""Turning Hydrofoil on. Never imports what runs functions."""
