"""The paths that the packages' own documentation gives their views."""

from django.conf import settings
from django.urls import path

if settings.CORNER == "simplejwt":
    from rest_framework_simplejwt import views

    urlpatterns = [
        path("api/token/", views.TokenObtainPairView.as_view()),
        path("api/token/refresh/", views.TokenRefreshView.as_view()),
        path("api/token/verify/", views.TokenVerifyView.as_view()),
        path("api/token/blacklist/", views.TokenBlacklistView.as_view()),
    ]
else:
    from rest_framework_jwt import views

    urlpatterns = [
        path("api-token-auth/", views.obtain_jwt_token),
        path("api-token-refresh/", views.refresh_jwt_token),
        path("api-token-verify/", views.verify_jwt_token),
    ]
