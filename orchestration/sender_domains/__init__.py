"""SPF, DKIM and DMARC of the domains that campaigns are sent from."""
