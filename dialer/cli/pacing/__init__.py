"""Commands about pacing: explanations and simulated shifts."""
