-- Removes the three OpenID Connect tables and the function of their triggers.
DROP TRIGGER trigger_oidc_user_links_updated_at ON shared.oidc_user_links;
DROP TRIGGER trigger_oidc_providers_updated_at ON shared.oidc_providers;
DROP FUNCTION shared.update_oidc_updated_at();
DROP TABLE shared.oidc_states;
DROP TABLE shared.oidc_user_links;
DROP TABLE shared.oidc_providers;
