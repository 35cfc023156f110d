"""DRAW: charts as SVG and pages of HTML, for whoever has something to show. Pure, and nothing of ours below it."""
