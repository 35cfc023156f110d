"""What people at the screens see and order, in whichever screen they do it."""
