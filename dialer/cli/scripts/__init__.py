"""`dialer script`: scripts checked, drawn and rehearsed before anybody is called with them."""
