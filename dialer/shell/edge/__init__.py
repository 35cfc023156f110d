"""The edge of this host: its files made from the settings, written, and taken up by Kamailio and rtpengine."""
