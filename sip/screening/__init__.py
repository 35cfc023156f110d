"""What messages of far ends must be before the SIP library may see them. Text in, text out."""
