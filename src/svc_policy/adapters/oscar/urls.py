"""Addresses of the app: ``path("after-sales/", include("svc_policy.adapters.oscar.urls"))``."""

from __future__ import annotations

from django.urls import path

from svc_policy.adapters.oscar import dashboard, views

app_name = "svc_policy"

urlpatterns = [
    path("", views.tickets, name="tickets"),
    path("lines/<int:line>/", views.line, name="line"),
    path("tickets/<str:number>/", views.ticket, name="ticket"),
    path("tickets/<str:number>/ask/<str:fact>/", views.ask, name="ask"),
    path("tickets/<str:number>/check/", views.check, name="check"),
    path("tickets/<str:number>/discard/", views.discard, name="discard"),
    path("dashboard/", dashboard.tickets, name="dashboard-tickets"),
    path("dashboard/<str:number>/", dashboard.ticket, name="dashboard-ticket"),
    path("dashboard/<str:number>/ask/<str:fact>/", dashboard.ask, name="dashboard-ask"),
    path("dashboard/<str:number>/done/<str:milestone>/", dashboard.done, name="dashboard-done"),
]
