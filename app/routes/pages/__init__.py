"""What people look at: one module a page, each with the type of what its template is told."""

from app.routes.pages import docs, explore, gallery, generate, learn, ranking, train, watch

ROUTERS = [page.router for page in (generate, explore, gallery, train, watch, learn, ranking, docs)]
