from django.urls import path
from rest_framework_simplejwt import views as tokens

from notes import views as notes

urlpatterns = [
    path("api/token/", tokens.TokenObtainPairView.as_view()),
    path("api/token/refresh/", tokens.TokenRefreshView.as_view()),
    path("api/token/verify/", tokens.TokenVerifyView.as_view()),
    path("api/token/blacklist/", tokens.TokenBlacklistView.as_view()),
    path("api/me/", notes.Me.as_view()),
    path("api/notes/", notes.Notes.as_view()),
    path("api/whoami/", notes.WhoAmI.as_view()),
]
