"""What a pipeline does with a plan: comments, annotations, an issue and a summary, at GitHub, GitLab or nowhere.

``reviews`` and ``issues`` say what is to become of a comment and of an issue, whoever hosts them; ``github`` and
``gitlab`` know the REST API of one host each, ``rest`` how both are asked politely, and ``surroundings`` what a runner
tells a job. Nothing here prints.
"""
