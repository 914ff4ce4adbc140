"""Boards for Grafana: `python -m deploy.boards` writes them to deploy/grafana/dashboards."""
