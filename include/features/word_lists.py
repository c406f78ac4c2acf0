"""Words that phishing URLs are made of; two lists to edit, with nothing that runs."""

BRANDS = """
adobe airbnb aol allegro amazon amex apple appleid att banco bbva binance bitpay booking bt
caixa capitalone chase citi coinbase correos credit-agricole dhl discord docusign dpd dropbox ebay
evri exodus facebook fedex gemini google hsbc icloud ing instagram itau kraken kucoin ledger
linkedin lloyds mastercard metamask meta microsoft mondialrelay natwest netflix office365 office
okx onedrive opensea orange outlook pancakeswap paypal phantom posteitaliane rakuten revolut
robinhood roblox santander sharepoint shopify skype snapchat spotify steam steamcommunity swisscom
swisspost telegram tiktok trezor trustwallet twitter uniswap ups usps upbit verizon vinted visa
wallet walletconnect wellsfargo whatsapp xfinity yahoo zoom
"""
LURES = """
account alert auth bank billing bonus card claim confirm connect customer free gift help id invoice
login logon mail office pay payment portal recover refund reward secure security service sign signin
support track unlock update user validate verif verify wallet web
"""
