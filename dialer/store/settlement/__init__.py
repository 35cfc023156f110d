"""The end of an attempt: written once, counted, told to the CRM; and the attempts of daemons that died."""
