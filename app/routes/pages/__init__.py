"""What people look at: one module a page, each with the type of what its template is told."""

from app.routes.pages import docs, gallery, generate, learn, ranking, train, watch

ROUTERS = [page.router for page in (generate, gallery, train, watch, learn, ranking, docs)]
