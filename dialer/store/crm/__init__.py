"""What the CRM and the agents' desktops say: outcomes, blocks and unblocks."""
