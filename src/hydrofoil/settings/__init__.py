"""Turning Hydrofoil on; never imports what runs functions."""
