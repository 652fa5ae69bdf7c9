"""The start page: where the learner is, what opens next, what is running, every chapter a click.

What happens where: `content` gathers what the page says, `today` its hours, cards and plan;
`handlers` answers the server's requests; the template is ``pages/templates/start.html``. The page
needs no kernel and nothing from a network.
"""
