"""Leads: from the CRM's stream to a lease, and what people ask about them."""
