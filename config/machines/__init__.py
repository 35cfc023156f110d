"""What a campaign does about answering machines."""
