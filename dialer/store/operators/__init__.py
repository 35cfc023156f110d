"""What operators see and change: campaigns, agents, commands, the state of hosts, what pacers have learnt."""
