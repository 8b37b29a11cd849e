from rest_framework.permissions import BasePermission


class HasScope(BasePermission):
    """Asks for a token with the view's `required_scope`; a view without one is open to nobody."""

    def has_permission(self, request, view):
        required = getattr(view, "required_scope", None)
        return request.auth is not None and required in request.auth.get("scope", "").split()
