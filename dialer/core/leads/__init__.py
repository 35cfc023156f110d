"""Leads: how many are where, why they wait, and when they may be dialled."""
