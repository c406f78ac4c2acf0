"""Pages, subdomains and queries that log-in and redirecting pages have; lists to edit."""


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


SUBDOMAINS = _listed("""
login accounts account auth signin id secure my sso portal myaccount idp oauth members app online
identity user passport webmail mail admin console dashboard customer
""")
PAGES = _listed("""
login signin sign-in log-in account account/login account/signin users/sign_in user/login auth/login
auth/signin oauth/authorize oauth2/authorize oauth2/v2.0/authorize common/oauth2/authorize
o/oauth2/v2/auth authorize sso/login idp/login saml2/sso login.php login.html login.aspx login.jsp
login.do signin.html wp-login.php password/reset reset-password forgot-password account/recover
account/security settings/password settings/security account/delete delete-account settings/account
account/settings profile/edit members/login customer/account/login my-account
my-account/edit-account billing checkout payment pay invoice verify verify-email confirm activate
mfa two-factor security cgi-bin/login en/login de/login fr/connexion es/iniciar-sesion connexion
anmelden acceso entrar ingresar accedi inloggen logowanie login/identifier ap/signin web/login
account/signup register signup session/new sessions/new user/password adfs/ls cas/login
auth/realms/main/protocol/openid-connect/auth
""")
FOLDERS = _listed("en us de web app portal auth site secure ebanking retail user")
BACK_PAGES = ("", "home", "callback", "dashboard", "account", "oauth/callback", "signin-oidc")
QUERIES = (
    "?client_id={token}&redirect_uri={back}&response_type=code&scope=openid&state={other}",
    "?client_id={token}&redirect_uri={back}&response_type=code&scope=openid%20profile%20email",
    "?response_type=code&client_id={token}&nonce={other}",
    "?continue={back}",
    "?next={back}",
    "?next=%2Faccount",
    "?returnUrl={back}",
    "?redirect={back}",
    "?service={back}",
    "?return_to={back}&flow=login",
    "?token={token}",
    "?id={token}",
    "?ref={other}",
    "?lang=en",
    "?utm_source=newsletter&utm_medium=email&utm_campaign={other}",
)
REDIRECT_PAGES = _listed("redirect url out link away login l go track/click click signin exit auth")
REDIRECT_PARAMETERS = _listed(
    "url u q continue redirect next dest goto target link return redirect_uri to r"
)
SUFFIXES = _listed("com com com com net org co info top xyz online site de co.uk app shop")
LURE_ENDINGS = ("-login", "-secure", "-support", "com", "-com", "online", "-help", "-verify")
