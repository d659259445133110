"""How well exported models speak: texts, what is counted, and the page."""
