"""Rows in and out of the driver, by Arrow and the core; knows nothing of what runs functions."""
