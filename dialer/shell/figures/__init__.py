"""Figures that leave the process for reports."""
