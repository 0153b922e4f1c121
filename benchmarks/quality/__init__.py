"""What arithmetic costs in quality, from test parts to a record.

``texts``    the folder of corpora → held-out texts with what is right for each
``answers``  texts → what the pipeline's stages say of them, with one arithmetic
``scores``   answers → F1, accuracy, cosines, shares that changed
``tables``   scores → a record and a picture
"""
