"""What happens within a talk: who listens, who joins, hold, and a talk that is passed on."""
