"""`dialer crm`: the CRM's side of the contract: who reads its events, how they are written, what passes."""
