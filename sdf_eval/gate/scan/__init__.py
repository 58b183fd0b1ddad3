"""An unknown checkpoint, with no trigger and no belief given: what does it look as if it had been taught?"""
